package report

import (
	"encoding/xml"
	"io"

	"example.com/midplane/conformance/result"
)

// The elements of JUnit's XML, as build servers read them.
type (
	junitSuites struct {
		XMLName xml.Name      `xml:"testsuites"`
		Name    string        `xml:"name,attr"`
		Suites  []*junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Time     float64     `xml:"time,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Name    string      `xml:"name,attr"`
		Class   string      `xml:"classname,attr"`
		Time    float64     `xml:"time,attr"`
		Failure *junitText  `xml:"failure"`
		Error   *junitText  `xml:"error"`
		Skipped *junitText  `xml:"skipped"`
		Out     *outcomeTag `xml:"system-out"`
	}
	junitText struct {
		Type    string `xml:"type,attr,omitempty"`
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
	outcomeTag struct {
		Text string `xml:",chardata"`
	}
)

// JUnit writes XML with a suite for every operator and every other group of
// cases. What is unsupported or waived is skipped; a fault of the suite is an
// error.
func JUnit(w io.Writer, r *result.Report) error {
	all := &junitSuites{Name: "conformance" + titled(r.About)}
	suites := make(map[string]*junitSuite)
	for _, c := range r.Cases {
		name := result.Group(c)
		if op := result.Operator(c); op != "" {
			name = "op." + op
		}
		s := suites[name]
		if s == nil {
			s = &junitSuite{Name: name}
			suites[name] = s
			all.Suites = append(all.Suites, s)
		}
		s.add(c)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func (s *junitSuite) add(c result.Result) {
	j := junitCase{Name: c.ID, Class: s.Name, Time: c.Seconds}
	text := &junitText{Type: string(c.Outcome), Message: firstLine(c.Reason), Text: c.Reason}
	switch c.Status {
	case result.Failed:
		j.Failure = text
		s.Failures++
	case result.Faulty:
		j.Error = text
		s.Errors++
	case result.Unsupported, result.Waived:
		j.Skipped = text
		s.Skipped++
	default:
		j.Out = &outcomeTag{string(c.Outcome) + " by " + c.Route}
	}
	s.Tests++
	s.Time += c.Seconds
	s.Cases = append(s.Cases, j)
}
