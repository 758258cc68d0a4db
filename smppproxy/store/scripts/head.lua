-- Begins every script. ARGV[1]: who calls; ARGV[2]: the batch. Both msgpack.
-- A connection that was given up may still have calls in the server's buffer. The next connection
-- raises the fence of its process before it sends anything, so such a call finds the fence raised,
-- changes nothing and answers nil: what is tried again cannot also run late.
local call = redis.call
local prefix, node, instance, epoch, slot, number, again, until_ms =
  unpack(cmsgpack.unpack(ARGV[1]))
local fence = call('GET', prefix .. 'node:' .. instance)
if fence and fence ~= epoch then return false end

-- A server that was frozen goes on where it was: whoever asked may have been told meanwhile that it
-- is not done (until_ms 0: whoever asked waits for ever, or never did).
local time = call('TIME')
local now = tonumber(time[1])
local now_ms = now * 1000 + math.floor(tonumber(time[2]) / 1000)
if until_ms > 0 and now_ms >= until_ms then
  return redis.error_reply('TOOLATE its caller has given it up')
end

-- A call that is tried again gets the result of its first try, if that one ran. A slot is a place
-- for the result of one call that is out; it is used again when the caller has its answer.
local slot_key = prefix .. 'done:' .. instance .. ':' .. slot

-- As it was packed; kept: as it was.
local function kept_packed()
  if not again then return nil end
  local value = call('GET', slot_key)
  if not value then return nil end
  local whose, at = string.match(value, '^(%d+):()')
  if tonumber(whose) == number then return string.sub(value, at) end
  return nil
end

local function kept()
  local packed = kept_packed()
  return packed and cmsgpack.unpack(packed)
end

-- Returns the result packed, which is what most scripts answer.
local function keep(result)
  local packed = cmsgpack.pack(result)
  call('SET', slot_key, number .. ':' .. packed, 'EX', 600)
  return packed
end

local args = cmsgpack.unpack(ARGV[2])
