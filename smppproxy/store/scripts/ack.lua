-- args: {queue, ids, queue, ids, ...}. Result: how many entries were still there.
-- Removing again changes nothing, but whoever counts what was delivered needs the first result.
local done = kept_packed()
if done then return done end
local removed = 0
for i = 1, #args, 2 do removed = removed + remove_any(args[i], args[i + 1]) end
return keep(removed)
