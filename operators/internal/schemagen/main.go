// Command schemagen writes the operator catalogue as Go tables.
//
//	schemagen SCHEMAS.json OUT.go
//
// SCHEMAS.json is a list of operator versions as ONNX's changelogs describe
// them: name, domain, since, deprecated, function; inputs and outputs (name,
// type, optional, variadic, heterogeneous, differentiable) with inputs_range and
// outputs_range where their number varies; attributes (name, type, required,
// default as printed); types (variable to list of types).
package main

import (
	"encoding/json"
	"fmt"
	"os"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: schemagen SCHEMAS.json OUT.go")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "schemagen:", err)
		os.Exit(1)
	}
}

func run(in, out string) error {
	data, err := os.ReadFile(in)
	if err != nil {
		return err
	}
	var versions []version
	if err := json.Unmarshal(data, &versions); err != nil {
		return fmt.Errorf("%s: %w", in, err)
	}
	source, err := generate(versions)
	if err != nil {
		return err
	}
	return os.WriteFile(out, source, 0o644)
}
