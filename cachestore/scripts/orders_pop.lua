-- Leases orders that wait for a worker, provided that Redis reflects the log far
-- enough. Takes nothing away. Of each symbol the oldest order counts that need not
-- wait, of those that are the oldest of their line, and only while the symbol has
-- no lease; symbols whose orders must wait stall no others. An order that would be
-- sent (new, or not found at the venue) must wait while its exchange, its bot or
-- everything is halted, or while another bot has the market's block or opening
-- mark; what cannot be read of those counts as forbidding.
--
-- Every symbol of heads is in turns, first those that have a lease, the first to
-- end first, and then, the oldest first, those that may have none. So what is
-- leased costs nothing until its lease has ended. It says merely where to look:
-- what is leased is in leases.
--
-- KEYS[1]  checkpoint
-- KEYS[2]  turns: symbol, scored by its turn, or, while it has a lease, by the end of that, unix ms, or less
-- KEYS[3]  heads: symbol to "<turn> <id> <id>...", the oldest of each line, oldest first; turn: 2^52 more than the
--          sequence that the first of them was created with
-- KEYS[4]  tickets: id to "<bot> <account> <reduce only 0|1> <expires, unix ms or 0> <status> <created, unix ms>"
-- KEYS[5]  orders: id to stamped order
-- KEYS[6]  leases: symbol to "<end, unix ms> <token or -> <id> <worker>"
-- KEYS[7]  tries: id to the number of times that it was handed out
-- KEYS[8]  rights: symbol to what is known of its block and its opening mark, "<sequence or 0> <sequence or 0>" where
--          nobody has either, else with "<token> <expires, unix ms> <exposed 0|1> <bot>" of both after that, "0 0 0 -" of
--          one that nobody has; and "", bot, or "*" for all exchanges to a halt,
--          "<state 1 active|2 reduce only|3 halted> <sequence> <time, unix ms> <reason>"
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
-- what is known of it, nine numbers with spaces between: sequence of the block,
-- its token if the order's bot holds it, the same two of the opening mark, sequence
-- of the exchange's halt, of the bot's halt (0 where there is none), 1 when the
-- block is another bot's but has expired, the same of the opening mark, 1 when the
-- order has expired}.
--
-- Most pops want one order, so that is what costs least: one field is read with
-- HGET, which takes half of what HMGET does, what is computed is no text and the
-- other way round, and there are few functions, because each run makes them anew.
-- A pop that comes alone finds no cache warm: each command more is 2 or 3 µs then.
local call, match = redis.call, string.match
local checkpoint = call('GET', KEYS[1]) or ''
local epoch, seq = match(checkpoint, '^(%d+) %-?%d+ (%d+) ')
if (epoch or '0') ~= ARGV[1] or (seq or '0') - ARGV[2] < 0 then
  return {checkpoint}
end
local time = call('TIME')
local now = time[1] * 1000 + (time[2] - time[2] % 1000) / 1000

-- When the lease of a symbol ends whose next order this is, or nil if it has. It
-- ends with the wait of its order, too.
local function leased(lease, id)
  local ends, whose = match(lease, '^(%d+) %S+ (%S+)')
  ends = tonumber(ends or '0')
  if ends > now and (whose == id or call('HEXISTS', KEYS[4], whose) == 1) then
    return ends
  end
end

local FREE = 4503599627370496 -- 2^52: where the turns of those begin that may have no lease
local first = call('ZRANGE', KEYS[2], '0', '0', 'WITHSCORES')
local place = tonumber(first[2] or '0')
-- They are not folded and may be lost: then all are looked at. A pop that wants one
-- order and sees one need not know, now and then is soon enough.
if (place < FREE or ARGV[6] ~= '1' or time[2] % 16 == 0) and call('ZCARD', KEYS[2]) ~= call('HLEN', KEYS[3]) then
  call('DEL', KEYS[2])
  local all, turns = call('HGETALL', KEYS[3]), {}
  for i = 2, #all, 2 do
    turns[#turns + 1], turns[#turns + 2] = match(all[i], '^%d+') or FREE, all[i - 1]
    if #turns == 7000 or i == #all then
      call('ZADD', KEYS[2], unpack(turns))
      turns = {}
    end
  end
  first = call('ZRANGE', KEYS[2], '0', '0', 'WITHSCORES')
end
place = tonumber(first[2] or FREE)
while place <= now do
  local head = call('HGET', KEYS[3], first[1])
  if head then
    call('ZADD', KEYS[2], match(head, '^%d+') or FREE, first[1])
  else
    call('ZREM', KEYS[2], first[1])
  end
  first = call('ZRANGE', KEYS[2], '0', '0', 'WITHSCORES')
  place = tonumber(first[2] or FREE)
end
local soonest = place < FREE and place or math.huge -- end of something that forbids an order

local wanted = tonumber(ARGV[6])
local till = now + ARGV[3] .. '' -- exact: a number of less than 14 digits
local prefix, suffix = till .. ' ' .. ARGV[4] .. ' ', ' ' .. ARGV[5]
local halt, haltall, halts -- of the exchange, of all of them, and by bot; false: none
local out, n = {checkpoint, now, 0, nil, nil, nil, nil}, 3 -- with room for one order

-- Mostly the first ones are free.
local from, chunk = 0, math.min(500, wanted)
while wanted > 0 do
  local symbols
  if chunk == 1 and place >= FREE then
    symbols, first[2] = first, nil
  else
    symbols = call('ZRANGEBYSCORE', KEYS[2], FREE, '+inf', 'LIMIT', from, chunk)
  end
  local found = #symbols
  local count = found -- then of those that are not leased
  local alone = count == 1
  local symbol, head, id, ticket, claims = symbols[1], nil, nil, nil, nil
  local heads, ids, tickets, rights, taken, about, set, moved
  from = from + found
  if alone then
    halts = nil -- what was read with other symbols
    local lease = call('HGET', KEYS[6], symbol)
    head = call('HGET', KEYS[3], symbol)
    id = head and match(head, '^%d+ (%S+)')
    local ends = id and lease and leased(lease, id)
    if ends then
      call('ZADD', KEYS[2], ends, symbol)
      soonest = math.min(soonest, ends)
      count, from = 0, from - 1
    elseif not id then
      call('ZREM', KEYS[2], symbol)
      count, from = 0, from - 1
    else
      ticket = call('HGET', KEYS[4], id)
    end
  elseif count > 0 then
    local leases, all = call('HMGET', KEYS[6], unpack(symbols)), call('HMGET', KEYS[3], unpack(symbols))
    local free = {}
    heads, ids, taken, about, set, moved, count = {}, {}, {}, {}, {}, {}, 0
    for i, symbol in ipairs(symbols) do
      local id = all[i] and match(all[i], '^%d+ (%S+)')
      local ends = id and leases[i] and leased(leases[i], id)
      if ends then
        moved[#moved + 1], moved[#moved + 2] = ends, symbol
        soonest = math.min(soonest, ends)
      elseif id then
        count = count + 1
        free[count], heads[count], ids[count] = symbol, all[i], id
      else
        call('ZREM', KEYS[2], symbol)
        from = from - 1
      end
    end
    symbols = free
    if count > 0 then
      tickets = call('HMGET', KEYS[4], unpack(ids))
      halts = halts or {}
      local bots, ask = {}, {unpack(free)}
      ask[count + 1], ask[count + 2] = '', '*'
      for i = 1, count do
        local bot = tickets[i] and match(tickets[i], '^%S+')
        if bot and halts[bot] == nil then
          bots[#bots + 1], halts[bot] = bot, false
          ask[count + 2 + #bots] = bot
        end
      end
      rights = call('HMGET', KEYS[8], unpack(ask))
      halt, haltall = rights[count + 1], rights[count + 2]
      for i, bot in ipairs(bots) do
        halts[bot] = rights[count + 2 + i]
      end
    end
  end
  for i = 1, count do
    if not alone then
      symbol, head, id, ticket, claims = symbols[i], heads[i], ids[i], tickets[i], rights[i]
    end
    -- The oldest of its symbol, mostly, or the oldest of another line.
    local at -- behind it in head
    while id do
      local bot, reduceonly, expires, status
      if ticket then
        bot, reduceonly, expires, status = match(ticket, '^(%S+) %S+ ([01]) (%-?%d+) (%d+)')
      end
      if bot then
        local own
        if halts then
          own = halts[bot]
        end
        if own == nil then
          local its = call('HMGET', KEYS[8], symbol, '', '*', bot)
          claims, halt, haltall, own = its[1], its[2], its[3], its[4]
          if not alone then
            halts[bot] = own
          end
        end
        local unsent = status == '1' or status == '10'
        local expired = unsent and expires ~= '0' and expires - now < 0
        local forbidden, its = false, '0 0 0 0 0 0 0 0 0'
        if halt or haltall or own or claims or expired then
          -- The strictest halt counts, and one that cannot be read is the strictest.
          local state, haltseq, ownseq = 1, '0', '0'
          if halt then
            state, haltseq = match(halt, '^([123]) (%d+) ')
            state, haltseq = tonumber(state or '3'), haltseq or '0'
          end
          if haltall then
            state = math.max(state, match(haltall, '^([123]) %d+ ') or '3')
          end
          if own then
            local its
            its, ownseq = match(own, '^([123]) (%d+) ')
            state, ownseq = math.max(state, its or '3'), ownseq or '0'
          end
          forbidden = state == 3 or (state == 2 and reduceonly ~= '1')
          local block, mark, token, marktoken, lapsed, marklapsed = '0', '0', '0', '0', '0', '0'
          if claims then
            block, mark = match(claims, '^(%d+) (%d+)$')
            if not block then
              -- Of a claim: its token if the bot holds it, whether another bot does, '1'
              -- if another one did until it expired, and when another one's will have.
              local function claim(token, expires, exposed, holder)
                if token == '0' then
                  return '0', false, '0'
                end
                expires = expires + 1000
                local held = exposed == '1' or now < expires
                if holder == bot then
                  return held and token or '0', false, '0'
                end
                return '0', held, held and '0' or '1', held and exposed == '0' and expires
              end
              local holds, expiry, exposed, holder, marks, markexpiry, markexposed, marker
              block, mark, holds, expiry, exposed, holder, marks, markexpiry, markexposed, marker =
                match(claims, '^(%d+) (%d+) (%d+) (%d+) ([01]) (%S+) (%d+) (%d+) ([01]) (%S+)$')
              if block then
                local blocked, marked, ends, markends
                token, blocked, lapsed, ends = claim(holds, expiry, exposed, holder)
                marktoken, marked, marklapsed, markends = claim(marks, markexpiry, markexposed, marker)
                soonest = math.min(soonest, ends or soonest, markends or soonest)
                forbidden = forbidden or blocked or marked
              else
                block, mark, forbidden = '0', '0', true
              end
            end
          end
          its = block .. ' ' .. token .. ' ' .. mark .. ' ' .. marktoken .. ' ' .. haltseq .. ' ' .. ownseq .. ' ' .. lapsed .. ' ' ..
            marklapsed .. (expired and ' 1' or ' 0')
        end
        if forbidden and unsent and not expired then
          if expires ~= '0' then
            soonest = math.min(soonest, expires + 1)
          end
        else
          wanted = wanted - 1
          local lease = prefix .. id .. suffix
          if alone then
            call('HSET', KEYS[6], symbol, lease)
            call('ZADD', KEYS[2], till, symbol)
            out[n + 1], out[n + 2], out[n + 3], out[n + 4] = id, call('HGET', KEYS[5], id) or '', call('HINCRBY', KEYS[7], id, '1'), its
            n, from = n + 4, from - 1
          else
            taken[#taken + 1], about[#about + 1] = id, its
            set[#set + 1], set[#set + 2] = symbol, lease
            moved[#moved + 1], moved[#moved + 2] = till, symbol
          end
          break
        end
      end
      at = (at or string.find(head, ' ', 1, true)) + #id + 1
      id = match(head, '%S+', at)
      ticket = id and call('HGET', KEYS[4], id)
    end
    if wanted == 0 then
      break
    end
  end
  if taken and taken[1] then
    call('HSET', KEYS[6], unpack(set))
    local orders, tries, counted = call('HMGET', KEYS[5], unpack(taken)), call('HMGET', KEYS[7], unpack(taken)), {}
    for i, id in ipairs(taken) do
      local try = tonumber(tries[i] or '0') + 1
      counted[2 * i - 1], counted[2 * i] = id, try
      out[n + 1], out[n + 2], out[n + 3], out[n + 4] = id, orders[i] or '', try, about[i]
      n = n + 4
    end
    call('HSET', KEYS[7], unpack(counted))
  end
  if moved and moved[1] then
    call('ZADD', KEYS[2], unpack(moved))
    from = from - #moved / 2
  end
  if found < chunk then
    break
  end
  chunk = math.min(500, chunk * 4)
end
if soonest < math.huge then
  out[3] = math.max(1, soonest - now)
end
return out
