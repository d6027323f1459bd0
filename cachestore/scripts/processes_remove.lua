-- Removes processes, each unless it has beaten since it was looked at.
--
-- KEYS[1]  about
-- KEYS[2]  registered
-- KEYS[3]  beats
-- KEYS[4]  status
-- KEYS[5]  message
-- KEYS[6…] params of each process
-- ARGV     for each process its id, and the heartbeat that was seen, or '' to
--          remove it whatever it does
--
-- Returns how many were removed.
local removed = 0
for i = 1, #ARGV, 2 do
  local id, seen = ARGV[i], ARGV[i + 1]
  if seen == '' or redis.call('HGET', KEYS[3], id) == seen then
    removed = removed + redis.call('HDEL', KEYS[1], id)
    for k = 2, 5 do
      redis.call('HDEL', KEYS[k], id)
    end
    redis.call('DEL', KEYS[5 + (i + 1) / 2])
  end
end
return removed
