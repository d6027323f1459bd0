package main

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"path/filepath"
	"strings"
)

// verb is an exported method as its source has it.
type verb struct {
	signature string
	errors    []string
}

// readVerbs reads the exported methods of packages client and domain, by
// Type.Method.
func readVerbs(root string) (map[string]verb, error) {
	verbs := make(map[string]verb)
	for _, dir := range []string{"client", "domain"} {
		if err := readPackage(filepath.Join(root, dir), verbs); err != nil {
			return nil, err
		}
	}
	return verbs, nil
}

func readPackage(dir string, verbs map[string]verb) error {
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return err
	}
	files := token.NewFileSet()
	typeErrors := make(map[string][]string) // that the comment of a type names for its methods
	methods := make(map[string]*ast.FuncDecl)
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(files, path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		for _, decl := range file.Decls {
			switch d := decl.(type) {
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					if t, ok := spec.(*ast.TypeSpec); ok {
						typeErrors[t.Name.Name] = errorsIn(d.Doc.Text() + t.Doc.Text())
					}
				}
			case *ast.FuncDecl:
				if d.Recv != nil && d.Name.IsExported() {
					methods[receiver(d)+"."+d.Name.Name] = d
				}
			}
		}
	}
	for name, d := range methods {
		found := errorsIn(d.Doc.Text())
		if len(found) == 0 && returnsError(d) {
			found = typeErrors[receiver(d)]
		}
		verbs[name] = verb{signature: signature(files, receiver(d), d), errors: found}
	}
	return nil
}

func receiver(d *ast.FuncDecl) string {
	t := d.Recv.List[0].Type
	if star, ok := t.(*ast.StarExpr); ok {
		t = star.X
	}
	name, _ := t.(*ast.Ident)
	if name == nil {
		return ""
	}
	return name.Name
}

func returnsError(d *ast.FuncDecl) bool {
	var out bytes.Buffer
	_ = printer.Fprint(&out, token.NewFileSet(), d.Type)
	return strings.Contains(out.String(), "error")
}

// signature is Type.Method with parameters and results on one line.
func signature(files *token.FileSet, receiver string, d *ast.FuncDecl) string {
	var out bytes.Buffer
	_ = printer.Fprint(&out, files, d.Type) // into memory
	return receiver + "." + d.Name.Name + strings.TrimPrefix(strings.Join(strings.Fields(out.String()), " "), "func")
}
