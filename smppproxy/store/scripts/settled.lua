-- The rest: queues that are too long.
local queues = {}
for i = 1, #bundles, 4 do queues[#queues + 1] = 'r:' .. bundles[i] end
return keep(cut_all(queues))
