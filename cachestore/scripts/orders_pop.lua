-- Leases orders that wait for a worker, provided that Redis reflects the log far
-- enough. Takes nothing away. Of each symbol the oldest order counts that need not
-- wait, of those that are the oldest of their line, and only while the symbol has
-- no lease; symbols whose orders must wait stall no others. An order that would be sent (new, or not found at the venue) must wait
-- while its exchange, its bot or everything is halted, or while another bot has the market's
-- block or opening mark; what cannot be read of those counts as forbidding.
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
-- ms, ms until something that forbids an order ends by itself, "0" when nothing
-- does, and of each order: id, stamped order, how often it was handed out,
-- sequence of the block, its token if the order's bot holds it, sequence of the
-- exchange's halt, of the bot's halt ("0" where there is none), "1" when the
-- block is another bot's but has expired, "1" when the order has expired, sequence
-- of the opening mark, "1" when that is another bot's but has expired}.
local checkpoint = redis.call('GET', KEYS[1]) or ''
local epoch, seq = string.match(checkpoint, '^(%d+) %-?%d+ (%d+) ')
if (epoch or '0') ~= ARGV[1] or tonumber(seq or '0') < tonumber(ARGV[2]) then
  return {checkpoint}
end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local ends = string.format('%d', now + tonumber(ARGV[3]))
local out = {checkpoint, string.format('%d', now), '0'}
local wanted, soonest = tonumber(ARGV[6]), 0

local function sooner(at)
  if soonest == 0 or at < soonest then
    soonest = at
  end
end

-- Of a claim's text: its sequence, its token if the bot holds it, whether
-- another bot does, and whether another one did until it expired.
local function claim(text, bot)
  if not text then
    return '0', '0', false, false
  end
  local its, token, expires, exposed, holder = string.match(text, '^(%d+) (%d+) (%d+) ([01]) (%S+) ')
  if not its then
    return '0', '0', true, false
  end
  local held = exposed == '1' or now < tonumber(expires) + 1000
  if holder == bot then
    if not held then
      token = '0'
    end
    return its, token, false, false
  end
  if held and exposed == '0' then
    sooner(tonumber(expires) + 1000)
  end
  return its, '0', held, not held
end

-- Of the halt of the exchange (""), of all exchanges ("*") or of a bot: its state and its sequence.
local halts = {}
local function halt(whose)
  local known = halts[whose]
  if not known then
    local text = redis.call('HGET', KEYS[11], whose)
    known = {'1', '0'}
    if text then
      local state, its = string.match(text, '^([123]) (%d+) ')
      known = {state or '3', its or '0'}
    end
    halts[whose] = known
  end
  return known[1], known[2]
end

local function forbids(state, reduceonly)
  return state == '3' or (state == '2' and reduceonly ~= '1')
end

-- Whether an order must wait because of the halts of everything and everybody.
local function stopped(reduceonly)
  return forbids(halt('*'), reduceonly) or forbids(halt(''), reduceonly)
end

-- What the answer says of an order besides the order, or nil where it must wait.
local function look(symbol, ticket, block, opening)
  local bot, reduceonly, expires, status
  if ticket then
    bot, reduceonly, expires, status = string.match(ticket, '^(%S+) %S+ ([01]) (%-?%d+) (%d+)')
  end
  if not bot then
    return nil
  end
  local unsent = status == '1' or status == '10'
  local expired = unsent and expires ~= '0' and tonumber(expires) < now
  local _, haltseq = halt('')
  local botstate, bothaltseq = halt(bot)
  local blockseq, token, blocked, lapsed = claim(block, bot)
  local openingseq, _, marked, openlapsed = claim(opening, bot)
  if unsent and not expired and (blocked or marked or stopped(reduceonly) or forbids(botstate, reduceonly)) then
    if expires ~= '0' then
      sooner(tonumber(expires) + 1)
    end
    return nil
  end
  if not block then
    blockseq = redis.call('HGET', KEYS[9], symbol) or '0'
  end
  if not opening then
    openingseq = redis.call('HGET', KEYS[12], symbol) or '0'
  end
  return {blockseq, token, haltseq, bothaltseq, lapsed and '1' or '0', expired and '1' or '0',
    openingseq, openlapsed and '1' or '0'}
end

-- Mostly the first ones are free.
local chunk, from = math.min(500, wanted + 1), 0
while wanted > 0 do
  local symbols = redis.call('ZRANGE', KEYS[2], from, from + chunk - 1)
  if #symbols == 0 then
    break
  end
  local leases = redis.call('HMGET', KEYS[6], unpack(symbols))
  local heads = redis.call('HMGET', KEYS[3], unpack(symbols))
  -- Those whose symbol is not leased.
  local free, ids, rest = {}, {}, {}
  for i, symbol in ipairs(symbols) do
    local lease = leases[i]
    local id, others = string.match(heads[i] or '', '^(%S+)(.*)$')
    if lease and id then
      local till, _, leased = string.match(lease, '^(%d+) (%S+) (%S+)')
      till = tonumber(till or '0')
      -- A lease ends with the wait of its order.
      if till > now and (leased == id or redis.call('HEXISTS', KEYS[4], leased) == 1) then
        sooner(till)
        id = false
      end
    end
    if id then
      free[#free + 1] = symbol
      ids[#ids + 1] = id
      rest[#rest + 1] = others
    end
  end
  if #ids > 0 then
    local tickets = redis.call('HMGET', KEYS[4], unpack(ids))
    local blocks = redis.call('HMGET', KEYS[8], unpack(free))
    local openings = redis.call('HMGET', KEYS[10], unpack(free))
    local taken, set, about = {}, {}, {}
    for i, symbol in ipairs(free) do
      if wanted == 0 then
        break
      end
      -- The oldest of its symbol, mostly, or the oldest of another line.
      local id, ticket, others = ids[i], tickets[i], nil
      while id do
        local choice = look(symbol, ticket, blocks[i], openings[i])
        if choice then
          taken[#taken + 1] = id
          set[#set + 1] = symbol
          set[#set + 1] = ends .. ' ' .. ARGV[4] .. ' ' .. id .. ' ' .. ARGV[5]
          about[#about + 1] = choice
          wanted = wanted - 1
          break
        end
        others = others or string.gmatch(rest[i], '%S+')
        id = others()
        ticket = id and redis.call('HGET', KEYS[4], id)
      end
    end
    if #taken > 0 then
      redis.call('HSET', KEYS[6], unpack(set))
      local orders = redis.call('HMGET', KEYS[5], unpack(taken))
      for i, id in ipairs(taken) do
        out[#out + 1] = id
        out[#out + 1] = orders[i] or ''
        out[#out + 1] = string.format('%d', redis.call('HINCRBY', KEYS[7], id, 1))
        for _, value in ipairs(about[i]) do
          out[#out + 1] = value
        end
      end
    end
  end
  from = from + chunk
  chunk = math.min(500, chunk * 4)
end
if soonest > 0 then
  out[3] = string.format('%d', math.max(1, soonest - now))
end
return out
