-- Moves the end of the lease of an order, or gives it back, if it is still held.
--
-- KEYS[1]  checkpoint
-- KEYS[2]  leases: symbol to "<end, unix ms> <token or -> <id> <worker>"
-- KEYS[3]  tickets: its fields are the ids of the orders that wait
-- KEYS[4]  tries: id to the number of times that it was handed out
-- KEYS[5]  heads: symbol to "<turn> <id>...", of its orders that wait
-- KEYS[6]  turns: symbol, scored by its turn, or, while it has a lease, by the end of that, unix ms, or less
-- ARGV[1]  symbol
-- ARGV[2]  id
-- ARGV[3]  token
-- ARGV[4]  how long from now on, ms
-- ARGV[5]  "extend" keeps the lease; "grace", too, and even one that has ended if
--          nobody has had the order since; "delay" gives it back and lets nobody
--          have it for that long; "defer", too, and does not count the try
-- ARGV[6]  the epoch that the lease is of
--
-- Returns 1; 2 when the order waits no more, so that no lease matters; 0 when the
-- lease is another one's or has ended.
local lease = redis.call('HGET', KEYS[2], ARGV[1]) or ''
local ends, token, id, worker = string.match(lease, '^(%d+) (%S+) (%S+) (.*)$')
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
if redis.call('HEXISTS', KEYS[3], ARGV[2]) == 0 then
  local checkpoint = redis.call('GET', KEYS[1]) or ''
  if string.match(checkpoint, '^(%d+) ') == ARGV[6] then
    return 2
  end
  return 0
end
if token ~= ARGV[3] or id ~= ARGV[2] or (tonumber(ends) <= now and ARGV[5] ~= 'grace') then
  return 0
end
if ARGV[5] == 'defer' and redis.call('HINCRBY', KEYS[4], id, -1) <= 0 then
  redis.call('HDEL', KEYS[4], id)
end
local back = ARGV[5] == 'delay' or ARGV[5] == 'defer'
local turn
if back and ARGV[4] == '0' then
  redis.call('HDEL', KEYS[2], ARGV[1])
  turn = string.match(redis.call('HGET', KEYS[5], ARGV[1]) or '', '^%d+')
else
  turn = string.format('%d', now + ARGV[4])
  redis.call('HSET', KEYS[2], ARGV[1], turn .. ' ' .. (back and '-' or token) .. ' ' .. id .. ' ' .. worker)
end
if turn then
  redis.call('ZADD', KEYS[6], turn, ARGV[1])
end
return 1
