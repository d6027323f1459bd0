-- Reserves places in a rate that several processes share: the generic cell rate
-- algorithm.
-- KEYS[1] when the next place is free, unix microseconds
-- ARGV[1] microseconds for each place
-- ARGV[2] places that may be taken at once after a rest
-- ARGV[3] places to take
-- returns microseconds until the last of them may be used
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local step, burst, n = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local free = tonumber(redis.call('GET', KEYS[1]) or '0') or 0
free = math.max(free, now) + n * step
redis.call('SET', KEYS[1], string.format('%.0f', free), 'PX', string.format('%.0f', math.ceil((free - now) / 1000) + 1000))
local wait = free - now - burst * step
if wait < 0 then return 0 end
return string.format('%.0f', math.ceil(wait))
