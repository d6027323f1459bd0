-- Changes parts of a process and takes that for a heartbeat; without a change it
-- is one. What is not named stays as it is, so concurrent updates lose nothing.
-- A process that stopped stays so.
--
-- KEYS[1]  about
-- KEYS[2]  beats
-- KEYS[3]  status
-- KEYS[4]  message
-- KEYS[5]  params of the process
-- ARGV[1]  id
-- ARGV[2]  now, unix microseconds, or '' for Redis's clock
-- ARGV[3]  status, or '' to keep it
-- ARGV[4]  '1' to set the message
-- ARGV[5]  message
-- ARGV[6]  how many parameters a process may have
-- ARGV[7…] names and values of parameters, an empty value removes one
--
-- Returns 'ok', 'absent', 'stopped' or 'full'.
local id, now = ARGV[1], ARGV[2]
if redis.call('HEXISTS', KEYS[1], id) == 0 then
  return 'absent'
end
if redis.call('HGET', KEYS[3], id) == 'stopped' then
  return 'stopped'
end
if #ARGV > 6 then
  local count = redis.call('HLEN', KEYS[5])
  for i = 7, #ARGV, 2 do
    local there = redis.call('HEXISTS', KEYS[5], ARGV[i])
    if ARGV[i + 1] == '' then
      count = count - there
    else
      count = count + 1 - there
    end
  end
  if count > tonumber(ARGV[6]) then
    return 'full'
  end
end
if now == '' then
  local t = redis.call('TIME')
  now = t[1] .. string.format('%06d', tonumber(t[2]))
end
redis.call('HSET', KEYS[2], id, now)
if ARGV[3] ~= '' then
  redis.call('HSET', KEYS[3], id, ARGV[3])
end
if ARGV[4] == '1' then
  redis.call('HSET', KEYS[4], id, ARGV[5])
end
for i = 7, #ARGV, 2 do
  if ARGV[i + 1] == '' then
    redis.call('HDEL', KEYS[5], ARGV[i])
  else
    redis.call('HSET', KEYS[5], ARGV[i], ARGV[i + 1])
  end
end
return 'ok'
