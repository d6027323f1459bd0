-- Reads the symbol that a venue calls so.
--
-- KEYS[1]  checkpoint
-- KEYS[2]  names: venue symbol to name
-- KEYS[3]  symbols: name to stamped symbol
-- ARGV[1]  venue symbol
--
-- Returns {checkpoint, name, stamped symbol}, or {checkpoint} when there is none.
local checkpoint = redis.call('GET', KEYS[1]) or ''
local name = redis.call('HGET', KEYS[2], ARGV[1])
local symbol = name and redis.call('HGET', KEYS[3], name)
if not symbol then
  return {checkpoint}
end
return {checkpoint, name, symbol}
