-- args: queue, {record, ...}. Result: how many entries were dropped.
local done = kept()
if done then return cmsgpack.pack(done) end
local queue, records = unpack(args)
local key = prefix .. 'q:' .. queue
for i = 1, #records do call('XADD', key, '*', 'o', '', 'r', records[i]) end
local dropped = cut(queue, key)
keep(dropped)
return cmsgpack.pack(dropped)
