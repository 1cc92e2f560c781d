package conformance_test

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu"
	"example.com/midplane/conformance/cell"
	"example.com/midplane/conformance/law"
	"example.com/midplane/conformance/oracle"
	"example.com/midplane/operators"
	"example.com/midplane/operators/decompose"
	"example.com/midplane/operators/infer"
	"example.com/midplane/operators/opset"
)

var update = flag.Bool("update", false, "write docs/oracle.md")

const (
	oraclePage      = "../docs/oracle.md"
	differencesPage = "../docs/differences.md"
	placeholder     = "<!-- by operator -->\n"
)

// The page lists, for every operator, what speaks for the reference beside
// itself.
func TestOraclePage(t *testing.T) {
	got, err := os.ReadFile(oraclePage)
	require.NoError(t, err)
	text, _, ok := strings.Cut(string(got), placeholder)
	require.True(t, ok, "the page has the line %s", placeholder)
	want := text + placeholder + evidence(t)
	if *update {
		require.NoError(t, os.WriteFile(oraclePage, []byte(want), 0o644))
		got = []byte(want)
	}
	assert.Equal(t, implemented.ReplaceAllString(want, "$1"), implemented.ReplaceAllString(string(got), "$1"), "go test ./conformance -run TestOraclePage -update writes it")
}

// implemented is the column of second implementations, of which the cpu backend
// may have more or fewer than the page was written with.
var implemented = regexp.MustCompile(`(?m)^(\| \S+ \| [^|]* \| [^|]* \| [^|]* \|) (?:cpu)? \|`)

// row is a row of docs/differences.md's list of evidence.
var row = regexp.MustCompile(`(?m)^\| (\S+) \| \d+ \| *[a-z]* *\| (.*) \|$`)

// speaking is how much of docs/differences.md speaks for an operator, in all its
// versions.
type speaking struct{ draws, official int }

// compared returns what docs/differences.md says of each operator.
func compared(t *testing.T) map[string]speaking {
	b, err := os.ReadFile(differencesPage)
	require.NoError(t, err)
	_, table, ok := strings.Cut(string(b), "## Evidence by version")
	require.True(t, ok)
	found := make(map[string]speaking)
	for _, m := range row.FindAllStringSubmatch(table, -1) {
		s := found[m[1]]
		for _, n := range number.FindAllStringSubmatch(m[2], -1) {
			count, err := strconv.Atoi(n[2])
			require.NoError(t, err)
			if n[1] == "official" {
				s.official += count
			} else {
				s.draws += count
			}
		}
		found[m[1]] = s
	}
	require.NotEmpty(t, found)
	return found
}

// evidence is the table.
func evidence(t *testing.T) string {
	var b strings.Builder
	b.WriteString("\n| operator | judged by | ONNX Runtime | official cases | second implementation | laws | decomposition |\n| --- | --- | --- | --- | --- | --- | --- |\n")
	known := compared(t)
	var none []string
	for _, s := range newest() {
		name := s.Operator()
		columns := []string{counted(known[name].draws, " draws"), counted(known[name].official, ""), second(t, name), strings.Join(laws(name), ", "), ""}
		if _, ok := decompose.Lookup(name); ok {
			columns[4] = "yes"
		}
		if strings.Join(columns, "") == "" {
			none = append(none, name)
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", name, oracle.Judged(name), strings.Join(columns, " | "))
	}
	list := "There is none without any."
	if len(none) > 0 {
		list = "Without any: " + strings.Join(none, ", ") + "."
	}
	return "\n" + list + "\n" + b.String()
}

// newest returns the newest schema of every operator that has cells, by name.
func newest() []*operators.Schema {
	var list []*operators.Schema
	for s := range operators.All() {
		n, _ := operators.Newest(s.Domain, s.Name)
		if n.Since == s.Since && len(cell.Types(s.Operator(), s.Since)) > 0 {
			list = append(list, s)
		}
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Operator() < list[j].Operator() })
	return slices.CompactFunc(list, func(a, b *operators.Schema) bool { return a.Operator() == b.Operator() })
}

var number = regexp.MustCompile(`(ONNX Runtime|official) \((\d+) `)

// counted writes a number, and nothing for none.
func counted(n int, what string) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n) + what
}

// second names the backend that computes the operator's usual cell by other code
// than the reference's: cpu, "" where it does not.
func second(t *testing.T, operator string) string {
	d := cpu.New(nil)
	defer d.Close()
	for _, c := range cell.All() {
		if c.Operator != operator || !c.Newest() || !c.First() || !c.Usual() || c.DType == tensor.String {
			continue
		}
		p, err := cell.Make(c, 1)
		require.NoError(t, err)
		g, err := opset.Lift(t.Context(), p.Model)
		require.NoError(t, err)
		facts, err := infer.Run(t.Context(), g, nil)
		require.NoError(t, err)
		infer.Annotate(g, facts)
		for _, n := range g.Nodes {
			if v := d.Supports(n); n.Operator() == operator && v.Level != operators.Unsupported && v.Kernel != "reference" {
				return "cpu"
			}
		}
	}
	return ""
}

func laws(operator string) []string {
	var names []string
	for _, l := range law.All {
		if slices.Contains(l.Operators, operator) {
			names = append(names, l.Name)
		}
	}
	return names
}

// No law is of an operator that there is not.
func TestLawsAreOfOperators(t *testing.T) {
	has := make(map[string]bool)
	for _, s := range newest() {
		has[s.Operator()] = true
	}
	for _, l := range law.All {
		for _, op := range l.Operators {
			assert.True(t, has[op], "%s: %s", l.Name, op)
		}
	}
}
