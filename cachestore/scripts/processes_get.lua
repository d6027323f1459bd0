-- Reads one process.
--
-- KEYS[1]  about
-- KEYS[2]  registered
-- KEYS[3]  beats
-- KEYS[4]  status
-- KEYS[5]  message
-- KEYS[6]  params of the process
-- ARGV[1]  id
-- ARGV[2]  now, unix microseconds, or '' for Redis's clock
--
-- Returns now, its value in each of the first five keys, and the names and
-- values of its parameters; nothing when it is not there.
local id, now = ARGV[1], ARGV[2]
if redis.call('HEXISTS', KEYS[1], id) == 0 then
  return {}
end
if now == '' then
  local t = redis.call('TIME')
  now = t[1] .. string.format('%06d', tonumber(t[2]))
end
local out = {now}
for i = 1, 5 do
  out[i + 1] = redis.call('HGET', KEYS[i], id) or ''
end
out[7] = redis.call('HGETALL', KEYS[6])
return out
