-- Begins to fold a partition anew: replaces the checkpoint that was seen, be it
-- readable or not.
--
-- KEYS[1]  checkpoint
-- ARGV[1]  the text that was seen, "" for none
-- ARGV[2]  the checkpoint to store
--
-- Returns the checkpoint that is stored afterwards.
local stored = redis.call('GET', KEYS[1]) or ''
if stored ~= ARGV[1] then
  return stored
end
redis.call('SET', KEYS[1], ARGV[2])
return ARGV[2]
