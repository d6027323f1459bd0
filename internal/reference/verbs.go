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
	fails     bool // it returns an error, or yields some
}

// readVerbs reads the exported methods of packages client and domain, by
// Type.Method.
func readVerbs(root string) (map[string]verb, comments, error) {
	verbs, said := make(map[string]verb), comments{make(map[string]string), make(map[string]string)}
	for _, dir := range []string{"client", "domain"} {
		if err := readPackage(filepath.Join(root, dir), verbs, said); err != nil {
			return nil, said, err
		}
	}
	return verbs, said, nil
}

func readPackage(dir string, verbs map[string]verb, said comments) error {
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return err
	}
	files := token.NewFileSet()
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
						said.types[t.Name.Name] = d.Doc.Text() + t.Doc.Text()
					}
				}
			case *ast.FuncDecl:
				if d.Recv != nil && d.Name.IsExported() {
					name := receiver(d) + "." + d.Name.Name
					said.methods[name] = d.Doc.Text()
					verbs[name] = verb{signature: signature(files, receiver(d), d), fails: returnsError(d)}
				}
			}
		}
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
