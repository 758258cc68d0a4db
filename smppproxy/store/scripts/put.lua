-- args: queue, {record, ...}; of receipts queue, {origin, receipt, origin, ...}, true.
-- Result: how many entries were dropped.
local done = kept_packed()
if done then return done end
local queue, records, own = unpack(args)
local key = prefix .. 'q:' .. queue
if own then
  for i = 1, #records, 2 do call('XADD', key, '*', 'o', records[i], 'r', records[i + 1]) end
else
  for i = 1, #records do call('XADD', key, '*', 'o', '', 'r', records[i]) end
end
local dropped = cut(queue, key)
return keep(dropped)
