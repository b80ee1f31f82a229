package primehub

import (
	"cmp"
	"slices"
	"strings"
)

// pageLength is how many rows a page has.
const pageLength = 10

// row is what a filter and an order look at. A field that is null is not there.
type row map[string]string

// item is a row and what it shows.
type item struct {
	row
	node node
}

// searched are the fields that a search looks in.
var searched = []string{"name", "displayName", "description", "type"}

// matching are the rows that pass a filter, in their order, or in that of its alternatives.
func matching(rows []item, where arguments) []item {
	alternatives, _ := where["_or"].([]any)
	if len(alternatives) < 2 { // one alternative is none
		return slices.DeleteFunc(rows, func(i item) bool { return !i.matches(where) })
	}
	var found []item
	for _, a := range alternatives {
		alternative, _ := a.(arguments)
		for _, i := range rows {
			listed := slices.ContainsFunc(found, func(other item) bool { return other.row["id"] == i.row["id"] })
			if !listed && i.matches(where) && i.matches(alternative) {
				found = append(found, i)
			}
		}
	}
	return found
}

// matches tells whether a row passes a filter (internal/primehub/CONTRACT.md §2.4).
func (r row) matches(where arguments) bool {
	for name, wanted := range where {
		if !r.passes(name, wanted) {
			return false
		}
	}
	return true
}

func (r row) passes(name string, wanted any) bool {
	text, _ := wanted.(string)
	field, contains := strings.CutSuffix(name, "_contains")
	switch {
	case name == "_or":
		alternatives, _ := wanted.([]any)
		return len(alternatives) < 2 || slices.ContainsFunc(alternatives, func(a any) bool { // one alternative is none
			alternative, _ := a.(arguments)
			return r.matches(alternative)
		})
	case name == "search":
		return text == "" || slices.ContainsFunc(searched, func(field string) bool {
			return strings.Contains(strings.ToLower(r[field]), strings.ToLower(text))
		})
	case contains && wanted == nil:
		return strings.Contains(r[field], "null") // as JavaScript has it
	case contains:
		return r[field] != "" && strings.Contains(r[field], text)
	case name == "id":
		return wanted != nil && r["id"] == text
	}
	return true
}

// page is a part of a list.
type page struct {
	items []item
	info  node
}

func (p page) nodes() []any {
	nodes := make([]any, len(p.items))
	for i, item := range p.items {
		nodes[i] = item.node
	}
	return nodes
}

func (p page) connection() node {
	edges := make([]any, len(p.items))
	for i, item := range p.items {
		edges[i] = node{"cursor": item.row["id"], "node": item.node}
	}
	return node{"edges": edges, "pageInfo": p.info}
}

// paged orders rows and cuts a page out of them: by number, or by cursors, of which the information is different. A null is as good as given:
// there are no rows on page null, nor among the first null.
func paged(rows []item, args arguments) (page, error) {
	if err := order(rows, args.object("orderBy")); err != nil {
		return page{}, err
	}
	if args.given("page") {
		return numbered(rows, args["page"]), nil
	}
	first, last := 0, len(rows)
	position := func(cursor string) int {
		return slices.IndexFunc(rows, func(i item) bool { return i.row["id"] == cursor })
	}
	if at := position(args.text("after")); at >= 0 {
		first = at + 1
	}
	if at := position(args.text("before")); at >= 0 {
		last = max(first, at)
	}
	if args.given("first") {
		last = min(last, first+max(0, args.number("first")))
	}
	if args.given("last") {
		first = max(first, last-max(0, args.number("last")))
	}
	p := page{items: rows[first:last], info: node{"hasNextPage": false, "hasPreviousPage": false}}
	if len(p.items) > 0 { // an empty page has no neighbours
		p.info["hasNextPage"], p.info["hasPreviousPage"] = last < len(rows), first > 0
		p.info["startCursor"], p.info["endCursor"] = p.items[0].row["id"], p.items[len(p.items)-1].row["id"]
	}
	return p, nil
}

// numbered is a page by its number. Its information lacks what must not be null: asking for hasNextPage fails.
func numbered(rows []item, number any) page {
	if len(rows) == 0 {
		return page{info: node{"currentPage": 1, "totalPage": 1}}
	}
	p := page{info: node{"currentPage": number, "totalPage": (len(rows) + pageLength - 1) / pageLength}}
	n, _ := number.(int)
	from, to := place(len(rows), (n-1)*pageLength), place(len(rows), n*pageLength)
	p.items = rows[min(from, to):to]
	return p
}

// place is an index as JavaScript's slice takes it: negative ones count from the end.
func place(length, index int) int {
	if index < 0 {
		index += length
	}
	return min(max(index, 0), length)
}

// order orders rows by one field: the others that are given do not count.
func order(rows []item, by arguments) error {
	for _, field := range []string{"name", "displayName", "description", "type"} {
		if !by.given(field) {
			continue
		}
		sign := 1
		switch by.text(field) {
		case "asc":
		case "desc":
			sign = -1
		default:
			given := by.text(field)
			if by[field] == nil {
				given = "null"
			}
			return refuse(codeInternalServer, "order value (%s) not valid. Should be 'asc' or 'desc'", given)
		}
		slices.SortStableFunc(rows, func(a, b item) int { return sign * a.compare(b, field) })
		return nil
	}
	return nil
}

// compare compares two rows by a field. Rows without it are greater than others.
func (i item) compare(other item, field string) int {
	a, has := i.row[field]
	b, otherHas := other.row[field]
	switch {
	case has == otherHas:
		return cmp.Compare(a, b)
	case has:
		return -1
	default:
		return 1
	}
}
