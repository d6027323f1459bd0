-- Reads the newest bars of one timeframe: those in the last n intervals before
-- and including the newest bar.
--
-- KEYS[1]  candles of a market
-- KEYS[2]  checkpoint
-- ARGV[1]  timeframe
-- ARGV[2]  its length in seconds
-- ARGV[3]  n, at most 7000
-- ARGV[4]  how many intervals before the newest bar to begin with, 0 for the newest
--
-- Returns the checkpoint, "" for none, and then the values, newest first, without
-- those intervals that have no bar.
local at = redis.call('GET', KEYS[2]) or ''
local stored = redis.call('HGET', KEYS[1], ARGV[1])
if not stored then
  return {at}
end
local newest = tonumber(stored)
if not newest then
  return redis.error_reply('WRONGTYPE the beginning of the newest bar is no number')
end
local fields, length = {}, tonumber(ARGV[2])
local start = newest - length * tonumber(ARGV[4])
for i = 1, tonumber(ARGV[3]) do
  fields[i] = ARGV[1] .. ':' .. string.format('%d', start - length * (i - 1))
end
local found = {at}
for _, value in ipairs(redis.call('HMGET', KEYS[1], unpack(fields))) do
  if value then
    found[#found + 1] = value
  end
end
return found
