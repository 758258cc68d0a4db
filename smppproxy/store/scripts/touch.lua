-- args: {queue, ids, queue, ids, ...}. What another node took over meanwhile is left with it.
-- Result: {queue, id, queue, id, ...} of those whose message has a later receipt, and the same of
-- those that are not in this node's hands.
local superseded, gone = {}, {}

local function add(names, queue, id)
  names[#names + 1] = queue
  names[#names + 1] = id
end

for i = 1, #args, 2 do
  local queue = args[i]
  local key, later = prefix .. 'q:' .. queue, prefix .. 'z:' .. queue
  local any = call('EXISTS', later) == 1
  local ours = {}
  for _, id in ipairs(args[i + 1]) do
    local held = redis.pcall('XPENDING', key, 'g', id, id, 1, node)
    if held[1] then
      ours[#ours + 1] = id
      if any and call('ZSCORE', later, id) then add(superseded, queue, id) end
    else
      add(gone, queue, id)
    end
  end
  if #ours > 0 then
    local claim = {key, 'g', node, 0}
    for _, id in ipairs(ours) do claim[#claim + 1] = id end
    claim[#claim + 1] = 'JUSTID'
    call('XCLAIM', unpack(claim))
  end
end
return cmsgpack.pack({superseded, gone})
