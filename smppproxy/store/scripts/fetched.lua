-- The rest of a fetch: calls that are tried again, MO messages, receipts of earlier versions.
-- What is kept for another try are the first and the last id, and places in bundles; the entries are
-- read again. New ones are handed out in their order, so whatever still lies between these two ids
-- was in the first answer.
local function again_from(taken)
  local result = {}
  for _, each in ipairs(taken) do
    local queue, first, last, places = unpack(each)
    local entries = first and call('XRANGE', prefix .. 'q:' .. queue, first, last) or {}
    local bundles = {}
    for i = 1, #places, 2 do
      for _, each in ipairs((read_again(queue, places[i], places[i + 1], {}))) do
        bundles[#bundles + 1] = each
      end
    end
    result[#result + 1] = {queue, entries, bundles}
  end
  return cmsgpack.pack(result)
end

local function read(key, count)
  return redis.pcall('XREADGROUP', 'GROUP', 'g', node, 'COUNT', count, 'STREAMS', key, '>')
end

local function take(key, count)
  if call('XLEN', key) == 0 then return {} end
  local reply = read(key, count)
  if no_group(reply) then
    call('XGROUP', 'CREATE', key, 'g', '0')
    reply = read(key, count)
  end
  if type(reply) ~= 'table' then return {} end
  if reply.err then return error(reply) end
  return reply[1] and reply[1][2] or {}
end

if done then return again_from(done) end
for i = at, #args, 2 do
  local queue, count = args[i], args[i + 1]
  local key, account = prefix .. 'q:' .. queue, account_of(queue)
  expire(queue, key)
  local entries, bundles, places = take(key, count), {}, {}
  if account then bundles, places = take_bundled(account, count - #entries) end
  add(queue, entries, bundles, places)
end
if #taken > 0 then keep(taken) end
return cmsgpack.pack(result)
