-- Reads which orders have changed, and what they are now.
--
-- KEYS[1]  checkpoint
-- KEYS[2]  changes: a stream with an entry for each batch that changed orders. Its
--          id is the sequence that the batch ended with, its field the one that it
--          began behind, its value the ids
-- KEYS[3]  orders: id to stamped order
-- ARGV[1]  the sequence that the changes are to be behind
-- ARGV[2]  how many orders are enough, at most 3000; there may be as many more as
--          one batch has
--
-- Returns {checkpoint, sequence up to which the changes are told, "0" when none
-- follow, id, order, id, order…}, nil when it is not known what has changed.
local changes, since, enough = KEYS[2], ARGV[1], tonumber(ARGV[2])
local first = redis.call('XRANGE', changes, '-', '+', 'COUNT', 1)[1]
if first and tonumber(first[2][1]) > tonumber(since) then
  return false
end
local out, ids, known = {redis.call('GET', KEYS[1]) or '', '0'}, {}, {}
local more = first
while more do
  -- The greatest id of entries up to since.
  local entry = redis.call('XRANGE', changes, since .. '-1', '+', 'COUNT', 1)[1]
  if entry then
    since = string.match(entry[1], '^%d+')
    for id in string.gmatch(entry[2][2], '%S+') do
      if not known[id] then
        known[id] = true
        ids[#ids + 1] = id
      end
    end
  end
  more = entry and #ids < enough
end
if #ids >= enough then
  out[2] = since
end
if #ids > 0 then
  local orders = redis.call('HMGET', KEYS[3], unpack(ids))
  for i, id in ipairs(ids) do
    if orders[i] then -- else it was forgotten
      out[#out + 1] = id
      out[#out + 1] = orders[i]
    end
  end
end
return out
