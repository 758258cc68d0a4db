-- args: queue, {record, ...}; of receipts queue, {origin, receipt, origin, ...}, true.
-- Result: how many entries were dropped.
local done = kept_packed()
if done then return done end
local queue, records, own = unpack(args)
if own then
  local account = account_of(queue)
  for i = 1, #records, 2 do
    add_bundled(account, cmsgpack.pack(records[i]), cmsgpack.pack(records[i + 1]))
  end
  local drops = cut_grown()
  return keep(drops and drops[2] or 0)
end
local key = prefix .. 'q:' .. queue
for i = 1, #records do call('XADD', key, '*', 'o', '', 'r', records[i]) end
return keep(cut(queue, key))
