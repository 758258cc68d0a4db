-- Leases of an account's binds: b:account, a sorted set of node, process and session by their end.
-- args: what, ... Each may be tried again without harm.
local what = args[1]
local process = node .. '\0' .. instance .. '\0'

local function of(account)
  local key = prefix .. 'b:' .. account
  call('ZREMRANGEBYSCORE', key, '-inf', now_ms)
  return key
end

-- A thousand at most: a call of the server may have so many arguments.
local function lease(key, sessions, ttl)
  local ends, added = now_ms + ttl * 1000, {}
  for i, session in ipairs(sessions) do
    added[2 * i - 1] = ends
    added[2 * i] = process .. session
  end
  call('ZADD', key, unpack(added))
  local last = call('ZRANGE', key, -1, -1, 'WITHSCORES')[2]
  call('PEXPIREAT', key, string.format('%.0f', tonumber(last)))
end

-- A process of this node's name that is not this one is no more.
local function drop_former(key)
  local mine = node .. '\0'
  for _, name in ipairs(call('ZRANGE', key, 0, -1)) do
    if string.sub(name, 1, #mine) == mine and string.sub(name, 1, #process) ~= process then
      call('ZREM', key, name)
    end
  end
end

local function take(account, session, limit, ttl)
  local key = of(account)
  if not call('ZSCORE', key, process .. session) then
    if call('ZCARD', key) >= limit then drop_former(key) end
    if call('ZCARD', key) >= limit then return 0 end
  end
  lease(key, {session}, ttl)
  return 1
end

local function keep_all(held, ttl)
  for i = 1, #held, 2 do lease(of(held[i]), held[i + 1], ttl) end
  return 0
end

local function drop_all(held)
  for i = 1, #held, 2 do
    local names = {}
    for j, session in ipairs(held[i + 1]) do names[j] = process .. session end
    call('ZREM', prefix .. 'b:' .. held[i], unpack(names))
  end
  return 0
end

if what == 'take' then return cmsgpack.pack(take(unpack(args, 2))) end
if what == 'keep' then return cmsgpack.pack(keep_all(args[2], args[3])) end
return cmsgpack.pack(drop_all(args[2]))
