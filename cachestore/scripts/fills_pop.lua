-- Leases the first fill of a queue that nobody has leased, provided that Redis
-- reflects the log far enough: what was acknowledged after that place must not
-- be handed out again while the partition is folded anew. Takes nothing away.
--
-- KEYS[1]  checkpoint
-- KEYS[2]  waiting: id, scored by the sequence that it was first stored with
-- KEYS[3]  unacked: id to stamped fill
-- KEYS[4]  leases: id to "<end, unix ms> <token>"
-- ARGV[1]  the epoch that the checkpoint must have
-- ARGV[2]  the sequence that it must have reached
-- ARGV[3]  how long to lease, ms
-- ARGV[4]  token of the lease
--
-- Returns {checkpoint, fill, end of the lease in unix ms, its beginning}, or
-- {checkpoint, "", ms until the first lease ends; 0: there is none} when nothing
-- can be leased, or {checkpoint} when that is not far enough.
local checkpoint = redis.call('GET', KEYS[1]) or ''
local epoch, seq = string.match(checkpoint, '^(%d+) %-?%d+ (%d+) ')
if (epoch or '0') ~= ARGV[1] or tonumber(seq or '0') < tonumber(ARGV[2]) then
  return {checkpoint}
end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local chunk, from, soonest = 100, 0, 0
while true do
  local ids = redis.call('ZRANGE', KEYS[2], from, from + chunk - 1)
  if #ids == 0 then
    break
  end
  local leases = redis.call('HMGET', KEYS[4], unpack(ids))
  for i, id in ipairs(ids) do
    local ends = tonumber(string.match(leases[i] or '', '^(%d+) ') or '0')
    if ends <= now then
      local fill = redis.call('HGET', KEYS[3], id)
      if fill then
        ends = now + tonumber(ARGV[3])
        redis.call('HSET', KEYS[4], id, string.format('%d', ends) .. ' ' .. ARGV[4])
        return {checkpoint, fill, string.format('%d', ends), string.format('%d', now)}
      end
    elseif soonest == 0 or ends < soonest then
      soonest = ends
    end
  end
  from = from + chunk
end
if soonest > 0 then
  soonest = soonest - now
end
return {checkpoint, '', string.format('%d', soonest)}
