-- args: {queue, ids, queue, ids, ...}. Result: how many entries were still there.
local removed = 0
for i = 1, #args, 2 do removed = removed + remove(prefix .. 'q:' .. args[i], args[i + 1]) end
return cmsgpack.pack(removed)
