-- Registers a process in one step. One that is there already stays as it is.
--
-- KEYS[1]  about
-- KEYS[2]  registered
-- KEYS[3]  beats
-- KEYS[4]  status
-- KEYS[5]  message
-- KEYS[6]  registrations
-- KEYS[7]  params of the process
-- ARGV[1]  id
-- ARGV[2]  now, unix microseconds, or '' for Redis's clock
-- ARGV[3]  what never changes, encoded
-- ARGV[4]  status
-- ARGV[5]  message
-- ARGV[6…] names and values of parameters
--
-- Returns 1, or 0 when the id is taken.
local id, now = ARGV[1], ARGV[2]
if redis.call('HEXISTS', KEYS[1], id) == 1 then
  return 0
end
if now == '' then
  local t = redis.call('TIME')
  now = t[1] .. string.format('%06d', tonumber(t[2]))
end
local number = redis.call('INCR', KEYS[6])
redis.call('HSET', KEYS[1], id, ARGV[3])
redis.call('HSET', KEYS[2], id, string.format('%d', number) .. ' ' .. now)
redis.call('HSET', KEYS[3], id, now)
redis.call('HSET', KEYS[4], id, ARGV[4])
redis.call('HSET', KEYS[5], id, ARGV[5])
redis.call('DEL', KEYS[7])
for i = 6, #ARGV, 2 do
  redis.call('HSET', KEYS[7], ARGV[i], ARGV[i + 1])
end
return 1
