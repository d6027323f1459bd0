-- Leases orders that wait for a worker, provided that Redis reflects the log far
-- enough. Takes nothing away. Of each symbol the oldest order counts that need not
-- wait, of those that are the oldest of their line, and only while the symbol has
-- no lease; symbols whose orders must wait stall no others. An order that would be
-- sent (new, or not found at the venue) must wait while its exchange, its bot or
-- everything is halted, or while another bot has the market's block or opening
-- mark; what cannot be read of those counts as forbidding.
--
-- KEYS[1]  checkpoint
-- KEYS[2]  queued: symbol, scored by the creation of its oldest order that waits
-- KEYS[3]  heads: symbol to "<id of that order> <id> <id>...", the oldest of each line, oldest first
-- KEYS[4]  tickets: id to "<bot> <account> <reduce only 0|1> <expires, unix ms or 0> <status> <created, unix ms>"
-- KEYS[5]  orders: id to stamped order
-- KEYS[6]  leases: symbol to "<end, unix ms> <token or -> <id> <worker>"
-- KEYS[7]  tries: id to the number of times that it was handed out
-- KEYS[8]  blocks: symbol to "<sequence> <token> <expires, unix ms> <exposed 0|1> <bot> <account or -> <granted, unix ms>"
-- KEYS[9]  freed: symbol to the sequence of the last return of its block
-- KEYS[10] openings: as blocks
-- KEYS[11] halts: "", bot, or "*" for all exchanges to "<state 1 active|2 reduce only|3 halted> <sequence> <time, unix ms> <reason>"
-- KEYS[12] opened: symbol to the sequence of the last return of its opening mark
-- ARGV[1]  the epoch that the checkpoint must have
-- ARGV[2]  the sequence that it must have reached
-- ARGV[3]  how long to lease, ms
-- ARGV[4]  token of the leases
-- ARGV[5]  worker, without white space
-- ARGV[6]  how many orders at most
--
-- Returns {checkpoint} when that is not far enough; else {checkpoint, now in unix
-- ms, ms until something that forbids an order ends by itself, 0 when nothing
-- does, and of each order: id, stamped order, how often it was handed out, and
-- what is known of it, eight numbers with spaces between: sequence of the block,
-- its token if the order's bot holds it, sequence of the opening mark, of the
-- exchange's halt, of the bot's halt (0 where there is none), 1 when the block is
-- another bot's but has expired, the same of the opening mark, 1 when the order
-- has expired}.
--
-- Most pops want one order, so that is what costs least: one field is read with
-- HGET, which takes half of what HMGET does, what is computed is no text and the
-- other way round, and there are few functions, because each run makes them anew.
local call, match = redis.call, string.match
local checkpoint = call('GET', KEYS[1]) or ''
local epoch, seq = match(checkpoint, '^(%d+) %-?%d+ (%d+) ')
if (epoch or '0') ~= ARGV[1] or tonumber(seq or '0') < tonumber(ARGV[2]) then
  return {checkpoint}
end
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local soonest = math.huge -- end of something that forbids an order

-- When the lease of a symbol ends whose next order this is, or nil if it has. It
-- ends with the wait of its order, too.
local function leased(lease, id, now)
  local ends, whose = match(lease, '^(%d+) %S+ (%S+)')
  ends = tonumber(ends or '0')
  if ends > now and (whose == id or redis.call('HEXISTS', KEYS[4], whose) == 1) then
    return ends
  end
end

-- Of a claim's text: its sequence, its token if the bot holds it, whether
-- another bot does, '1' if another one did until it expired, and when another
-- one's will have.
local function claim(text, bot, now)
  local its, token, expires, exposed, holder = string.match(text, '^(%d+) (%d+) (%d+) ([01]) (%S+) ')
  if not its then
    return '0', '0', true, '0'
  end
  expires = expires + 1000
  local held = exposed == '1' or now < expires
  if holder == bot then
    return its, held and token or '0', false, '0'
  end
  return its, '0', held, held and '0' or '1', held and exposed == '0' and expires
end

local wanted = tonumber(ARGV[6])
local ends = now + ARGV[3] .. ' ' .. ARGV[4] .. ' ' -- exact: a number of less than 14 digits
local out, n = {checkpoint, now, 0, nil, nil, nil, nil}, 3 -- with room for one order
local halts = {} -- bot to {strictest state, sequence of the exchange's halt, sequence of the bot's}

-- Mostly the first ones are free.
local from, chunk = 0, math.min(500, wanted)
while wanted > 0 do
  local symbols
  if chunk == 1 then
    symbols = call('ZRANGE', KEYS[2], '0', '0')
  else
    symbols = call('ZRANGE', KEYS[2], from, from + chunk - 1)
  end
  local count = #symbols -- then of those that are not leased
  if count == 0 then
    break
  end
  local alone = count == 1
  local symbol, head, id, ticket, block, freed, opening, opened = symbols[1], nil, nil, nil, nil, nil, nil, nil
  local heads, ids, tickets, blocks, frees, openings, openeds, taken, about, set
  if alone then
    local lease = call('HGET', KEYS[6], symbol)
    head = call('HGET', KEYS[3], symbol)
    id = head and match(head, '^%S+')
    local till = id and lease and leased(lease, id, now)
    if till then
      soonest = math.min(soonest, till)
    end
    if till or not id then
      count = 0
    else
      ticket, block, opening = call('HGET', KEYS[4], id), call('HGET', KEYS[8], symbol), call('HGET', KEYS[10], symbol)
      freed = not block and call('HGET', KEYS[9], symbol)
      opened = not opening and call('HGET', KEYS[12], symbol)
    end
  else
    local leases, all = call('HMGET', KEYS[6], unpack(symbols)), call('HMGET', KEYS[3], unpack(symbols))
    local free = {}
    heads, ids, count = {}, {}, 0
    for i, symbol in ipairs(symbols) do
      local id = all[i] and match(all[i], '^%S+')
      local till = id and leases[i] and leased(leases[i], id, now)
      if till then
        soonest = math.min(soonest, till)
      elseif id then
        count = count + 1
        free[count], heads[count], ids[count] = symbol, all[i], id
      end
    end
    symbols = free
    if count > 0 then
      tickets, taken, about, set = call('HMGET', KEYS[4], unpack(ids)), {}, {}, {}
      blocks, frees = call('HMGET', KEYS[8], unpack(free)), call('HMGET', KEYS[9], unpack(free))
      openings, openeds = call('HMGET', KEYS[10], unpack(free)), call('HMGET', KEYS[12], unpack(free))
    end
  end
  for i = 1, count do
    if not alone then
      symbol, head, id, ticket = symbols[i], heads[i], ids[i], tickets[i]
      block, freed, opening, opened = blocks[i], frees[i], openings[i], openeds[i]
    end
    -- The oldest of its symbol, mostly, or the oldest of another line.
    local at = 1 -- in head
    while id do
      local bot, reduceonly, expires, status
      if ticket then
        bot, reduceonly, expires, status = match(ticket, '^(%S+) %S+ ([01]) (%-?%d+) (%d+)')
      end
      if bot then
        local unsent = status == '1' or status == '10'
        local expired = unsent and expires ~= '0' and tonumber(expires) < now
        local halt = halts[bot]
        if not halt then
          local texts = call('HMGET', KEYS[11], '', bot, '*')
          halt = {1, '0', '0'}
          for i = 1, 3 do
            if texts[i] then
              local state, its = match(texts[i], '^([123]) (%d+) ')
              halt[1] = math.max(halt[1], tonumber(state or '3'))
              halt[i + 1] = its or '0' -- of the last nobody asks
            end
          end
          halts[bot] = halt
        end
        local blockseq, token, blocked, lapsed, till = freed or '0', '0', false, '0', nil
        if block then
          blockseq, token, blocked, lapsed, till = claim(block, bot, now)
          soonest = math.min(soonest, till or soonest)
        end
        local openingseq, _, marked, openlapsed = opened or '0', nil, false, '0'
        if opening then
          openingseq, _, marked, openlapsed, till = claim(opening, bot, now)
          soonest = math.min(soonest, till or soonest)
        end
        local state = halt[1]
        if unsent and not expired and (blocked or marked or state == 3 or (state == 2 and reduceonly ~= '1')) then
          if expires ~= '0' then
            soonest = math.min(soonest, expires + 1)
          end
        else
          wanted = wanted - 1
          local lease = ends .. id .. ' ' .. ARGV[5]
          local its = blockseq .. ' ' .. token .. ' ' .. openingseq .. ' ' .. halt[2] .. ' ' .. halt[3] .. ' ' ..
            lapsed .. ' ' .. openlapsed .. ' ' .. (expired and '1' or '0')
          if alone then
            call('HSET', KEYS[6], symbol, lease)
            out[n + 1], out[n + 2], out[n + 3], out[n + 4] = id, call('HGET', KEYS[5], id) or '', call('HINCRBY', KEYS[7], id, '1'), its
            n = n + 4
          else
            taken[#taken + 1], about[#about + 1] = id, its
            set[#set + 1], set[#set + 2] = symbol, lease
          end
          break
        end
      end
      at = at + #id + 1
      id = match(head, '%S+', at)
      ticket = id and call('HGET', KEYS[4], id)
    end
    if wanted == 0 then
      break
    end
  end
  if taken and #taken > 0 then
    call('HSET', KEYS[6], unpack(set))
    local orders = call('HMGET', KEYS[5], unpack(taken))
    for i, id in ipairs(taken) do
      out[n + 1], out[n + 2], out[n + 3], out[n + 4] = id, orders[i] or '', call('HINCRBY', KEYS[7], id, '1'), about[i]
      n = n + 4
    end
  end
  from = from + chunk
  chunk = math.min(500, chunk * 4)
end
if soonest < math.huge then
  out[3] = math.max(1, soonest - now)
end
return out
