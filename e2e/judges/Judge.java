import com.sun.source.util.JavacTask;
import java.nio.file.*;
import java.util.*;
import javax.tools.*;

/** Prints the files below a folder that Java's own parser refuses. */
class Judge {
    public static void main(String[] args) throws Exception {
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        StandardJavaFileManager files = compiler.getStandardFileManager(null, null, null);
        List<Path> paths = new ArrayList<>();
        try (var walk = Files.walk(Path.of(args[0]))) {
            walk.filter(Files::isRegularFile).forEach(paths::add);
        }
        for (Path path : paths) {
            var found = new DiagnosticCollector<JavaFileObject>();
            var task = (JavacTask) compiler.getTask(null, files, found, null, null, files.getJavaFileObjects(path));
            task.parse();
            for (var d : found.getDiagnostics()) {
                if (d.getKind() == Diagnostic.Kind.ERROR) {
                    System.out.println(path + "\t" + d.getLineNumber() + ": " + d.getMessage(Locale.ENGLISH).replace('\n', ' '));
                    break;
                }
            }
        }
    }
}
