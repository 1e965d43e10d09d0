// Reads typed values and writes them again, for values_test.py; lines in `NAME HEX`, out `NAME READ HEX`.
package main

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"os"
	"sort"
	"strings"

	"github.com/vmihailenco/msgpack/v5"
)

func described(value any) string {
	switch read := value.(type) {
	case map[string]any:
		names := []string{}
		for name := range read {
			names = append(names, name)
		}
		sort.Strings(names)
		return "map:" + strings.Join(names, ",")
	case string:
		return "text:" + hex.EncodeToString([]byte(read))
	case []byte:
		return "bytes:" + hex.EncodeToString(read)
	case float64:
		return fmt.Sprintf("float:%v", read)
	default:
		return fmt.Sprintf("int:%v", read)
	}
}

func main() {
	fmt.Println("with vmihailenco/msgpack", msgpack.Version())
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		name, digits, _ := strings.Cut(lines.Text(), " ")
		payload, _ := hex.DecodeString(digits)
		var typed []any
		if fault := msgpack.Unmarshal(payload, &typed); fault != nil {
			fmt.Println(name, "fails", fault)
			continue
		}
		again, _ := msgpack.Marshal(typed)
		fmt.Println(name, described(typed[1]), hex.EncodeToString(again))
	}
}
