-- The rest: queues that are too long.
local queues = {}
for i = 1, #bundles, 5 do queues[#queues + 1] = 'r:' .. bundles[i] end
return keep({in_hand, cut_all(queues)})
