package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// attributeType says how a type of the schema file is written in Go, and how
// its defaults are read.
type attributeType struct {
	constant string
	literal  func(text string) (string, error)
}

var attributeTypes = map[string]attributeType{
	"float":           {"FloatAttribute", floatLiteral},
	"int":             {"IntAttribute", intLiteral},
	"string":          {"StringAttribute", stringLiteral},
	"list of floats":  {"FloatsAttribute", listLiteral("float32", parseFloat)},
	"list of ints":    {"IntsAttribute", listLiteral("int64", parseInt)},
	"list of strings": {"StringsAttribute", listLiteral("string", quoted)},
	"tensor":          {"TensorAttribute", noLiteral},
	"sparse_tensor":   {"SparseAttribute", noLiteral},
	"graph":           {"GraphAttribute", noLiteral},
	"type_proto":      {"TypeAttribute", noLiteral},
}

func noLiteral(string) (string, error) {
	return "", errors.New("attributes of this type cannot have a default")
}

// exact has the defaults that are printed with too few digits: by operator,
// version and attribute, as the text of the specification gives them.
var exact = map[string]string{
	"Clip 6 max":    "3.40282346638528859812e+38",
	"Clip 6 min":    "-3.40282346638528859812e+38",
	"Selu 6 alpha":  "1.67326319217681884765625",
	"Selu 6 gamma":  "1.05070102214813232421875",
	"Selu 22 alpha": "1.67326319217681884765625",
	"Selu 22 gamma": "1.05070102214813232421875",
}

// floatLiteral reads "0.5", "1e-05". Go has no negative zero among its
// constants; "-0.0" becomes 0.
func floatLiteral(text string) (string, error) {
	f, err := parseFloat(text)
	return "float32(" + f + ")", err
}

func intLiteral(text string) (string, error) {
	i, err := parseInt(text)
	return "int64(" + i + ")", err
}

func stringLiteral(text string) (string, error) { return strconv.Quote(text), nil }

// listLiteral reads a list printed as "['0', '2', '3']".
func listLiteral(element string, parse func(string) (string, error)) func(string) (string, error) {
	return func(text string) (string, error) {
		inner, ok := strings.CutPrefix(text, "[")
		inner, closed := strings.CutSuffix(inner, "]")
		if !ok || !closed {
			return "", errors.New("a list is printed in brackets")
		}
		var out []string
		for item := range strings.SplitSeq(inner, ",") {
			value, err := parse(strings.Trim(strings.TrimSpace(item), "'"))
			if err != nil {
				return "", err
			}
			out = append(out, value)
		}
		return fmt.Sprintf("[]%s{%s}", element, strings.Join(out, ", ")), nil
	}
}

func parseFloat(text string) (string, error) {
	f, err := strconv.ParseFloat(text, 32)
	return strconv.FormatFloat(f, 'g', -1, 32), err
}

func parseInt(text string) (string, error) {
	i, err := strconv.ParseInt(text, 10, 64)
	return strconv.FormatInt(i, 10), err
}

func quoted(text string) (string, error) { return strconv.Quote(text), nil }
