-- args: kind, provider, final ttl, {id, receipt, id, receipt, ...}.
-- Result: {outcome, queue, outcome, queue, ...}, drops
local done = kept_packed()
if done then return done end
local kind, provider, final_ttl, items = unpack(args)

local function is_there(id)
  if kind == 'parked' then return call('HEXISTS', prefix .. 'pd:' .. provider, id) == 1 end
  return #call('XRANGE', prefix .. kind, id, id) == 1
end

local function take_out(id)
  if kind == 'parked' then return unpark(provider, id) end
  call('XDEL', prefix .. kind, id)
end

local function again(id, arrival)
  if not is_there(id) then return 8, '' end
  local outcome, queue, misfits = meet_any(provider, arrival, final_ttl)
  if not outcome then return misfits > 0 and 4 or 1, '' end
  take_out(id)
  return outcome, queue
end

local results = {}
for i = 1, #items, 2 do results[i], results[i + 1] = again(items[i], items[i + 1]) end
local result = {results, cut_grown() or {}}
return keep(result)
