-- Reads typed values and writes them again, for values_test.py; lines in `NAME HEX`, out `NAME READ HEX`.
local there, msgpack = pcall(require, "MessagePack")
if not there then
    print("skipped: no MessagePack; apt-get install lua-messagepack")
    os.exit(77)
end
io.stdout:setvbuf("line")
print("with lua-MessagePack " .. msgpack._VERSION)

local function hex(bytes)
    return (bytes:gsub(".", function(byte) return ("%02x"):format(byte:byte()) end))
end

local function described(value)
    if type(value) == "table" then
        local names = {}
        for name in pairs(value) do names[#names + 1] = name end
        table.sort(names)
        return "map:" .. table.concat(names, ",")
    end
    if type(value) == "string" then return "string:" .. hex(value) end
    return (math.type(value) == "integer" and "int:" or "float:") .. value
end

for line in io.lines() do
    local name, digits = line:match("(%S+) (%S+)")
    local bytes = digits:gsub("..", function(two) return string.char(tonumber(two, 16)) end)
    local typed = msgpack.unpack(bytes)
    print(name .. " " .. described(typed[2]) .. " " .. hex(msgpack.pack(typed)))
end
