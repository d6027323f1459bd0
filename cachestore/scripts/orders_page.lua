-- Reads a piece of an index of orders, and the orders.
--
-- KEYS[1]  checkpoint
-- KEYS[2]  the index: id, scored by a sequence
-- KEYS[3]  orders: id to stamped order
-- ARGV[1]  "up" from the oldest on, "down" from the newest back
-- ARGV[2]  the score to begin with, as ZRANGEBYSCORE takes it
-- ARGV[3]  how many at most, at most 3000
--
-- Returns {checkpoint, score of the last one, "0" when none follow, id, order,
-- id, order…}.
local checkpoint = redis.call('GET', KEYS[1]) or ''
local n = tonumber(ARGV[3])
local found
if ARGV[1] == 'up' then
  found = redis.call('ZRANGEBYSCORE', KEYS[2], ARGV[2], '+inf', 'WITHSCORES', 'LIMIT', 0, n)
else
  found = redis.call('ZREVRANGEBYSCORE', KEYS[2], ARGV[2], '-inf', 'WITHSCORES', 'LIMIT', 0, n)
end
if #found == 0 then
  return {checkpoint, '0'}
end
local ids, out = {}, {checkpoint, '0'}
for i = 1, #found, 2 do
  ids[#ids + 1] = found[i]
end
if #ids == n then
  out[2] = found[#found]
end
local orders = redis.call('HMGET', KEYS[3], unpack(ids))
for i, id in ipairs(ids) do
  out[#out + 1] = id
  out[#out + 1] = orders[i] or ''
end
return out
