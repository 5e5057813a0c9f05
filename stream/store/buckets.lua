-- Buckets: the hashes in which a shard's customers lie. They grow in number with the shard, by linear hashing (Litwin,
-- 1980), so that each one stays small. Goes before the scripts that read or write records.
--
-- A bucket holds the customers whose hash (CRC-32 of the key) lies in one stretch of all hashes, and its name ends with
-- the first hash of it. With n buckets those of the stretches below `split` are half as wide as the others, and the one
-- that begins there is the next to be cut in two: its lower half keeps the name.
local HASHES, FEWEST = 2 ^ 32, 64 -- what is a portion in packing.py is one of so few, or several
local CUSTOMERS_A_BUCKET = 48 -- on average: twice as many in the wider stretches, when the last of them is split

-- How wide the wider stretches of n buckets are, and where these begin.
local function widths(n)
  local wide = FEWEST
  while 2 * wide <= n do wide = 2 * wide end
  return HASHES / wide, (n - wide) * (HASHES / wide)
end

-- First hash of the stretch of a hash, and the first after it.
local function stretch(hash, width, split)
  if hash < split then width = width / 2 end
  local first = hash - hash % width
  return first, first + width
end

-- Neighbours in the same bucket, as {first hash of the stretch, how many}; `hashes` are packed in 4 bytes each.
local function runs_of(hashes, width, split)
  local found, run, first, stop = {}, nil, 0, 0
  for at = 1, #hashes, 4000 do
    local some = {struct.unpack('<' .. ('I4'):rep(math.min(1000, (#hashes - at + 1) / 4)), hashes, at)}
    for i = 1, #some - 1 do -- the last is where it ends
      local hash = some[i]
      if hash >= stop or hash < first then
        first, stop = stretch(hash, width, split)
        run = {first, 0}
        found[#found + 1] = run
      end
      run[2] = run[2] + 1
    end
  end
  return found
end

local crcs -- of each byte
local function hash_of(key)
  local bxor, band, rshift = bit.bxor, bit.band, bit.rshift
  if not crcs then
    crcs = {[0] = 0}
    local crc, at = 1, 128
    while at >= 1 do
      crc = bxor(rshift(crc, 1), band(crc, 1) * 0xEDB88320)
      for others = 0, 255, 2 * at do crcs[at + others] = bxor(crc, crcs[others]) end
      at = at / 2
    end
  end
  local crc = -1
  for i = 1, #key do
    crc = bxor(rshift(crc, 8), crcs[band(bxor(crc, key:byte(i)), 255)])
  end
  return bxor(crc, -1) % HASHES
end

-- Fields and values of a bucket, those with a hash below `middle` apart from the others.
local function halves(fields, middle)
  local below, above = {}, {}
  for i = 1, #fields, 2 do
    local half = hash_of(fields[i]) < middle and below or above
    half[#half + 1] = fields[i]
    half[#half + 1] = fields[i + 1]
  end
  return below, above
end
