-- args: {queue, count, queue, count, ...}. Result: {{queue, entries}, ...}
-- What is kept for another try are the first and the last id; the entries are read again. New ones
-- are handed out in their order, so whatever still lies between these two was in the first answer.
local function again_from(taken)
  local result = {}
  for i = 1, #taken, 3 do
    local key = prefix .. 'q:' .. taken[i]
    result[#result + 1] = {taken[i], call('XRANGE', key, taken[i + 1], taken[i + 2])}
  end
  return cmsgpack.pack(result)
end

local function read(key, count)
  return redis.pcall('XREADGROUP', 'GROUP', 'g', node, 'COUNT', count, 'STREAMS', key, '>')
end

local function take(queue, count)
  local key = prefix .. 'q:' .. queue
  local _, left = expire(queue, key)
  if not left then return nil end
  local reply = read(key, count)
  if no_group(reply) then
    call('XGROUP', 'CREATE', key, 'g', '0')
    reply = read(key, count)
  end
  if type(reply) ~= 'table' then return nil end
  if reply.err then return error(reply) end
  return reply[1] and reply[1][2]
end

local done = kept()
if done then return again_from(done) end
local result, taken = {}, {}
for i = 1, #args, 2 do
  local entries = take(args[i], args[i + 1])
  if entries and #entries > 0 then
    result[#result + 1] = {args[i], entries}
    local at = #taken
    taken[at + 1], taken[at + 2], taken[at + 3] = args[i], entries[1][1], entries[#entries][1]
  end
end
if #taken > 0 then keep(taken) end
return cmsgpack.pack(result)
