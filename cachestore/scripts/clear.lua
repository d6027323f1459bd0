-- Deletes keys of a partition that is about to be folded anew, unless somebody
-- else has begun to fold it.
--
-- KEYS[1]  checkpoint
-- KEYS[2…] the keys to delete
-- ARGV[1]  the checkpoint that must be stored
--
-- Returns the checkpoint that is stored.
local stored = redis.call('GET', KEYS[1]) or ''
if stored == ARGV[1] then
  for i = 2, #KEYS do
    redis.call('DEL', KEYS[i])
  end
end
return stored
