-- args: queue, {record, ...}; of receipts queue, {origin, receipt, origin, ...}, true.
-- Result: how many entries were dropped.
local done = kept()
if done then return cmsgpack.pack(done) end
local queue, records, own = unpack(args)
local key = prefix .. 'q:' .. queue
if own then
  for i = 1, #records, 2 do call('XADD', key, '*', 'o', records[i], 'r', records[i + 1]) end
else
  for i = 1, #records do call('XADD', key, '*', 'o', '', 'r', records[i]) end
end
local dropped = cut(queue, key)
keep(dropped)
return cmsgpack.pack(dropped)
