-- Takes the oldest entry out of a stream.
--
-- KEYS[1]  errors of a venue
--
-- Returns the entry's id and the names and values of its fields; nothing when
-- there is none.
local entry = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', '1')[1]
if not entry then
  return {}
end
redis.call('XDEL', KEYS[1], entry[1])
return entry
