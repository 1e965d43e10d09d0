<?php
// Reads typed values and writes them again, for values_test.py; lines in `NAME HEX`, out `NAME READ HEX`.
if (!extension_loaded('msgpack')) {
    echo "skipped: no extension msgpack; apt-get install php-msgpack\n";
    exit(77);
}
echo 'with php-msgpack ', phpversion('msgpack'), "\n";

function described(mixed $value): string
{
    if (is_array($value)) {
        ksort($value);
        return 'map:' . implode(',', array_keys($value));
    }
    return match (true) {
        is_string($value) => 'string:' . bin2hex($value),
        is_int($value) => "int:$value",
        default => 'float:' . var_export($value, true),
    };
}

while (($line = fgets(STDIN)) !== false) {
    [$name, $digits] = explode(' ', trim($line));
    [$version, $value] = msgpack_unpack(hex2bin($digits));
    echo "$name ", described($value), ' ', bin2hex(msgpack_pack([$version, $value])), "\n";
}
