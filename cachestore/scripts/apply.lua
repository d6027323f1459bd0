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
local call, keys, args = redis.call, KEYS, ARGV
local stored = call('GET', keys[1]) or ''
if stored ~= args[1] then
  return stored
end
-- First, because it fails, and nothing is written then, when what is stored is
-- ahead of its checkpoint.
if args[3] ~= '0' then
  call('XADD', keys[2], 'MAXLEN', '1', args[3] .. '-0', 's', '')
end
local i, n = 4, #args
while i <= n do
  local last = i + 2 + args[i + 2]
  call(args[i], keys[args[i + 1] + 0], unpack(args, i + 3, last))
  i = last + 1
end
call('SET', keys[1], args[2])
return args[2]
