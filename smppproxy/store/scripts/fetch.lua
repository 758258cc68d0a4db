-- args: {queue, count, queue, count, ...}. Result: {{queue, entries, bundles}, ...}; bundles: {bundle,
-- places, items, ...}, as they are stored; places '': all of it, in order.
local done, result, taken, at = kept(), {}, {}, 1

local function add(queue, entries, bundles, places)
  if #entries + #bundles == 0 then return end
  result[#result + 1] = {queue, entries, bundles}
  local first, last = entries[1], entries[#entries]
  taken[#taken + 1] = {queue, first and first[1] or false, last and last[1] or false, places}
end

-- What is nearly always: new receipts in bundles, or nothing.
while not done and at <= #args do
  local account, bundles, places = account_of(args[at]), {}, {}
  if call('XLEN', prefix .. 'q:' .. args[at]) > 0 then break end
  if account then bundles, places = take_bundled(account, args[at + 1]) end
  if not bundles then break end
  add(args[at], {}, bundles, places)
  at = at + 2
end
if not done and at > #args then
  if #taken > 0 then keep(taken) end
  return cmsgpack.pack(result)
end
