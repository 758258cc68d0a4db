-- args: {{provider, record, queues, long, lead, once, id}, ...}. Result: {{outcome, queues}, ...},
-- drops. ml: where the parts of a long message go; mo: what came from a provider lately.
local done = kept_packed()
if done then return done end
local UNROUTED, LONG_KEPT = 'm:', 300
local FOLLOW, LEAD, FALLBACK = 0, 1, 2
local grown, is_grown = {}, {}

-- The queues of a part, and whether it is the one that said so; nil: nobody has.
local function decide(queues, long, lead)
  if long == '' then return queues end
  local key = prefix .. 'ml:' .. long
  local value = call('GET', key)
  if value then
    local fell_back, known = unpack(cmsgpack.unpack(value))
    if lead ~= LEAD or fell_back then return known end
  end
  if lead == FOLLOW then return nil end
  call('SET', key, cmsgpack.pack({lead == FALLBACK, queues}), 'EX', LONG_KEPT)
  return queues
end

local function add(queue, provider, record)
  local key = prefix .. 'q:' .. queue
  call('XADD', key, '*', 'o', queue == UNROUTED and provider or '', 'r', record)
  if not is_grown[queue] then
    is_grown[queue] = true
    grown[#grown + 1] = queue
  end
end

local function put(message)
  local provider, record, queues, long, lead, once, id = unpack(message)
  local source = prefix .. 'q:' .. UNROUTED
  if id ~= '' and #call('XRANGE', source, id, id) == 0 then return {8, {}} end
  local seen = once > 0 and prefix .. 'mo:' .. provider .. ':' .. redis.sha1hex(record)
  if seen and call('EXISTS', seen) == 1 then return {2, {}} end
  queues = decide(queues, long, lead)
  if not queues then return {7, {}} end
  if id ~= '' and queues[1] == UNROUTED then return {0, queues} end
  for _, queue in ipairs(queues) do add(queue, provider, record) end
  if id ~= '' then remove(source, {id}) end
  if seen then call('SET', seen, '', 'EX', once) end
  return {0, queues}
end

local results = {}
for i = 1, #args do results[i] = put(args[i]) end
return keep({results, cut_all(grown)})
