-- args: provider, {receipt, ...}. Result: what a match would find: 0 its map, 4 others, 1 none.
-- Changes nothing.
local provider, arrivals = unpack(args)

local function count_fitting(value, destination)
  local number = 0
  for _, map in ipairs(live_maps(value)) do
    if fits(read_map(map).destination, destination) then number = number + 1 end
  end
  return number
end

local function found(arrival)
  local outcome = 1
  for _, each in ipairs(arrival[1]) do
    local value = get_map(provider, each)
    if value then
      if count_fitting(value, arrival[2]) == 1 then return 0 end
      outcome = 4
    end
  end
  return outcome
end

local results = {}
for i = 1, #arrivals do results[i] = found(arrivals[i]) end
return cmsgpack.pack(results)
