-- Reads all processes but their parameters, as of one moment.
--
-- KEYS[1]  about
-- KEYS[2]  registered
-- KEYS[3]  beats
-- KEYS[4]  status
-- KEYS[5]  message
-- ARGV[1]  now, unix microseconds, or '' for Redis's clock
--
-- Returns now, and the fields and values of each key.
local now = ARGV[1]
if now == '' then
  local t = redis.call('TIME')
  now = t[1] .. string.format('%06d', tonumber(t[2]))
end
local out = {now}
for i = 1, 5 do
  out[i + 1] = redis.call('HGETALL', KEYS[i])
end
return out
