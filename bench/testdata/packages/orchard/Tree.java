package orchard;

import java.time.LocalDate;

final class Tree {
    final String sort;
    final double x;
    final double y;
    final int planted;
    LocalDate blossom;
    int ripening = 120;
    double load;

    Tree(String sort, double x, double y, int planted) {
        this.sort = sort;
        this.x = x;
        this.y = y;
        this.planted = planted;
    }
}
