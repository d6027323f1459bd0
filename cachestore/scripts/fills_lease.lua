-- Moves the end of a fill's lease, or gives the lease back, if it is still held
-- with the token.
--
-- KEYS[1]  leases: id to "<end, unix ms> <token>"
-- ARGV[1]  id
-- ARGV[2]  token
-- ARGV[3]  how long from now on, ms; 0 gives it back
--
-- Returns 1, or 0 when the lease is another one's or has ended.
local lease = redis.call('HGET', KEYS[1], ARGV[1]) or ''
local ends, token = string.match(lease, '^(%d+) (.*)$')
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
if token ~= ARGV[2] or tonumber(ends) <= now then
  return 0
end
if ARGV[3] == '0' then
  redis.call('HDEL', KEYS[1], ARGV[1])
else
  redis.call('HSET', KEYS[1], ARGV[1], string.format('%d', now + tonumber(ARGV[3])) .. ' ' .. token)
end
return 1
