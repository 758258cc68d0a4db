-- The rest: queues that are too long.
local drops = {}
for i = 1, #bundles, 4 do
  local queue = 'r:' .. bundles[i]
  local dropped = cut(queue, prefix .. 'q:' .. queue)
  if dropped > 0 then
    drops[#drops + 1] = queue
    drops[#drops + 1] = dropped
  end
end
return keep(drops)
