-- args: {queue, ids, queue, ids, ...}. What another node took over meanwhile is left with it.
for i = 1, #args, 2 do
  local key = prefix .. 'q:' .. args[i]
  local ours = {}
  for _, id in ipairs(args[i + 1]) do
    local held = redis.pcall('XPENDING', key, 'g', id, id, 1, node)
    if held[1] then ours[#ours + 1] = id end
  end
  if #ours > 0 then
    local claim = {key, 'g', node, 0}
    for _, id in ipairs(ours) do claim[#claim + 1] = id end
    claim[#claim + 1] = 'JUSTID'
    call('XCLAIM', unpack(claim))
  end
end
return cmsgpack.pack(0)
