// Reads typed values and writes them again, for values_test.py; lines in `NAME HEX`, out `NAME READ HEX`.
// It needs msgpack-core.jar in the class path.
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.stream.Collectors;
import org.msgpack.core.MessagePack;
import org.msgpack.value.Value;

public class Values {
    static String described(Value value) {
        if (value.isMapValue())
            return "map:" + value.asMapValue().map().keySet().stream().map(Object::toString).sorted()
                .collect(Collectors.joining(","));
        if (value.isIntegerValue()) return "int:" + value.asIntegerValue().toBigInteger();
        if (value.isFloatValue()) return "float:" + value.asFloatValue().toDouble();
        return (value.isStringValue() ? "text:" : "bytes:") + HexFormat.of().formatHex(value.asRawValue().asByteArray());
    }

    /** The jar's name with its version: on Debian the one without is a link to it, or the other way round. */
    static String jar() throws IOException {
        try (var jars = Files.newDirectoryStream(Path.of("/usr/share/java"), "msgpack-core-*.jar")) {
            return jars.iterator().next().getFileName().toString();
        }
    }

    public static void main(String[] words) throws IOException {
        System.out.println("with " + jar());
        final var lines = new BufferedReader(new InputStreamReader(System.in));
        for (String line; (line = lines.readLine()) != null;) {
            final String[] parts = line.split(" ");
            final var typed = MessagePack.newDefaultUnpacker(HexFormat.of().parseHex(parts[1])).unpackValue().asArrayValue();
            final var packer = MessagePack.newDefaultBufferPacker();
            packer.packValue(typed);
            System.out.println(parts[0] + " " + described(typed.get(1)) + " " + HexFormat.of().formatHex(packer.toByteArray()));
        }
    }
}
