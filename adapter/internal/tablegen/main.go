// Command tablegen writes what follows from the table of the device interface
// in package spec: the capability bits of package driver, the functions' order
// in C, and the pages that describe the interface.
//
//	tablegen ROOT
//
// ROOT is the module's folder. A function whose place or type in C differs from
// the file written before is refused: a plug-in compiled earlier would call
// something else. That takes a new major version, and a new file.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: tablegen ROOT")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "tablegen:", err)
		os.Exit(1)
	}
}

// abiFile is the order of the functions in C.
const abiFile = "adapter/driver/spec/abi.txt"

func run(root string) error {
	before, err := os.ReadFile(filepath.Join(root, abiFile))
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	if err := grows(string(before), abi()); err != nil {
		return err
	}
	for _, f := range files() {
		name := filepath.Join(root, f.name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, []byte(f.text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// file is what is generated under one name.
type file struct{ name, text string }

func files() []file {
	return []file{
		{"adapter/driver/caps_gen.go", capabilities()},
		{abiFile, abi()},
		{"docs/device-interface.md", interfacePage()},
		{"docs/paddle-customdevice.md", paddlePage()},
	}
}

// grows refuses a list of functions that is not the one before with more at its
// end.
func grows(before, after string) error {
	old, now := strings.Split(strings.TrimSpace(before), "\n"), strings.Split(strings.TrimSpace(after), "\n")
	if before == "" {
		return nil
	}
	for i, line := range old {
		if i >= len(now) {
			return fmt.Errorf("the function %q has gone from the table", line)
		}
		if now[i] != line {
			return fmt.Errorf("the table has %q in the place of %q; functions are only added, in a new minor version", now[i], line)
		}
	}
	return nil
}
