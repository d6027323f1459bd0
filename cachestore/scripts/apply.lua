-- Applies a batch of writes if, and only if, the partition's checkpoint is what
-- the caller folded from. Everything it touches is in one slot.
--
-- KEYS[1]  checkpoint
-- KEYS[2]  changed: a stream of one entry, whose id is the checkpoint's sequence
-- KEYS[3…] the keys that the writes touch
-- ARGV[1]  the checkpoint that must be stored, "" for none
-- ARGV[2]  the checkpoint to store
-- ARGV[3]  the sequence of the checkpoint to store
-- ARGV[4…] the writes, one after the other: command, index in KEYS, argument count, arguments
--
-- Returns the checkpoint that is stored afterwards.
local stored = redis.call('GET', KEYS[1]) or ''
if stored ~= ARGV[1] then
  return stored
end
-- First, because it fails, and nothing is written then, when what is stored is
-- ahead of its checkpoint.
if ARGV[3] ~= '0' then
  redis.call('XADD', KEYS[2], 'MAXLEN', '1', ARGV[3] .. '-0', 's', '')
end
local i, n = 4, #ARGV
while i <= n do
  local last = i + 2 + tonumber(ARGV[i + 2])
  redis.call(ARGV[i], KEYS[tonumber(ARGV[i + 1])], unpack(ARGV, i + 3, last))
  i = last + 1
end
redis.call('SET', KEYS[1], ARGV[2])
return ARGV[2]
